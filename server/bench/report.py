"""The figures as a person reads them."""

from __future__ import annotations

from typing import Any


def text(figures: dict[str, Any]) -> str:
    """All that was measured, line by line."""
    of = figures["machine"]
    lines = [
        f"{of['processor']}, {of['cores']} cores, load {of['load_before'][0]} in the minute before; "
        f"{of['system']}, Python {of['python']}, SQLite {of['sqlite']}",
    ]
    if "latency" in figures:
        lines += ["", *_latency(figures["latency"], of["load_after"])]
    if "growth" in figures:
        lines += ["", *_growth(figures["growth"])]
    if "glass" in figures:
        lines += ["", *_glass(figures["glass"])]
    if "reminders" in figures:
        lines += ["", *_reminders(figures["reminders"])]
    if "figures" in figures:
        lines += ["", *_figures(figures["figures"])]
    if "forecast" in figures:
        lines += ["", *_forecast(figures["forecast"])]
    return "\n".join(lines)


def _latency(found: dict[str, Any], load: list[float]) -> list[str]:
    lines = [
        f"From the POST of a call to the frame: {found['calls']} calls, {found['calls_per_s']:g} a second "
        f"({found['commands_per_s']:g} commands a second), {found['screens']} screens, "
        f"{found['panels']} panels, {found['phones']} phones",
        f"{'':12}{'frames':>9}{'P50':>9}{'P99':>9}{'longest':>9}",
    ]
    for name in ("answer", "hall", "counters", "visits", "all"):
        row = found[name]
        lines.append(
            f"{name:12}{row['frames']:>9}{row['p50_ms']:>6} ms{row['p99_ms']:>6} ms{row['max_ms']:>6} ms"
        )
    share = found["cpu_share"]
    lines += [
        f"frames that never came: {found['missed']}; connections lost: {found['connections_lost']}; "
        f"latest call sent {found['behind_schedule_ms']} ms after its moment",
        f"of one core: server {share['server']:.0%}, watchers {share['watchers']:.0%}, "
        f"callers {share['callers']:.0%}; load {load[0]} in the last minute of it",
        f"aim: P99 of all under {found['aim_p99_ms']:g} ms: {'met' if found['met'] else 'missed'}",
    ]
    return lines


def _growth(found: dict[str, Any]) -> list[str]:
    ratios = found["ratios"]
    return [
        f"CPU of one command: {found['year_ms']} ms with {found['visits']} visits "
        f"({found['entries']} entries) behind it, {found['day_ms']} ms with a day "
        f"({found['day_entries']} entries)",
        f"ratio {found['ratio']} (median of {len(ratios)} pairs; from {ratios[0]} to {ratios[-1]}; "
        f"{found['commands_each']} commands each)",
        f"aim: at most {found['aim']}: {'met' if found['met'] else 'missed'}",
    ]


def _glass(found: dict[str, Any]) -> list[str]:
    of, back = found["painted"], found["back"]
    return [
        f"From the POST of a call to the glass: {found['calls']} calls, {found['calls_per_s']:g} a second, "
        f"{found['screens']} hall screens in {found['browser']}",
        f"{of['frames']} pictures: P50 {of['p50_ms']} ms, P99 {of['p99_ms']} ms, longest {of['max_ms']} ms; "
        f"pictures that never came: {found['missed']}",
        f"aim: P99 under {found['aim_p99_ms']:g} ms: {'met' if found['met'] else 'missed'}",
        f"From the first answer of a restarted server to the glass: {found['restarts']} restarts, "
        f"P50 {back['p50_ms']} ms, longest {back['max_ms']} ms",
        f"aim: all under {found['aim_back_ms']:g} ms: {'met' if found['back_met'] else 'missed'}",
    ]


def _reminders(found: dict[str, Any]) -> list[str]:
    out = "not all within five minutes" if found["out_s"] is None else f"all out after {found['out_s']} s"
    low, high = found["memory_mb"]
    return [
        f"{found['appointments']} appointments imported, {found['rows_per_s']} rows a second; "
        f"all planned {found['planned_after_s']} s later",
        f"a command: {found['command_without_ms']} ms without them, {found['command_with_ms']} ms with them, "
        f"ratio {found['cost_ratio']}",
        f"aim: at most {found['aim_cost']}: {'met' if found['cost_met'] else 'missed'}",
        f"{found['due']} reminders due in one minute: {out}, "
        f"{found['requests']} requests, {found['refused']} of them refused by the gateway",
        f"missing: {found['missing']}; twice: {found['twice']}; known to be delivered: {found['delivered']} "
        f"after {found['receipts_s']} s",
        f"server: {found['server_cpu_s']} s of CPU, memory from {low} to {high} MB",
        f"aim: all within {found['aim_s']:g} s, none missing, none twice: "
        f"{'met' if found['met'] else 'missed'}",
    ]


def _figures(found: dict[str, Any]) -> list[str]:
    memory = found["memory_mb"]
    return [
        f"{found['visits']} visits on {found['days']} days, {found['digest_mb']} MB of digests; a day of "
        f"{found['entries_a_day']} entries is digested in {found['digest_ms']} ms, "
        f"{found['digest_cpu_ms']} ms of them CPU",
        f"{'':32}{'first':>9}{'warm':>9}{'CPU':>9}",
        *(
            f"{each['kind'] + ' by ' + (','.join(each['by']) or 'nothing'):32}"
            f"{each['first_ms']:>6} ms{each['warm_ms']:>6} ms{each['cpu_ms']:>6} ms"
            for each in found["reports"]
        ),
        f"memory of the analyst: {memory['before']} MB before the first, {memory['after']} MB after the last",
        f"aim: each under {found['aim_ms']:g} ms: {'met' if found['met'] else 'missed'}",
    ]


def _forecast(found: dict[str, Any]) -> list[str]:
    return [
        f"A forecast of the whole hall, {found['services']} services",
        f"{'waiting':>8}{'counters':>10}{'median':>10}{'longest':>10}{'CPU':>10}",
        *(
            f"{each['waiting']:>8}{each['counters']:>10}{each['ms']:>7} ms{each['worst_ms']:>7} ms"
            f"{each['cpu_ms']:>7} ms"
            for each in found["rows"]
        ),
        f"aim: under {found['aim_ms']:g} ms for {found['aim_waiting']} waiting and {found['aim_counters']} "
        f"counters: {'met' if found['met'] else 'missed'}",
    ]
