/**
 * The page's words in its language: the same gettext catalogue that the server renders with.
 *
 * The source text is English. The catalogue stands in the page as data, so a screen that comes back
 * without a line still has its words.
 */

const catalogue = JSON.parse(document.getElementById("words")?.textContent ?? "{}");

/** The language of the page, as a tag: "nl". */
export const language = document.documentElement.lang || "en";

const plural = new Intl.PluralRules(language);
/** The order in which gettext numbers the forms that a language has. */
const forms = ["zero", "one", "two", "few", "many", "other"].filter((form) =>
  plural.resolvedOptions().pluralCategories.includes(form),
);

/** A message with its %(name)s filled in. */
export function _(text, values = {}) {
  const said = catalogue[text] ?? text;
  return filled(typeof said === "string" ? said : said[0], values);
}

/** A message in the form for a number, which is also its %(number)s. */
export function ngettext(one, many, number, values = {}) {
  const said = catalogue[one];
  const text = Array.isArray(said)
    ? said[Math.min(forms.indexOf(plural.select(number)), said.length - 1)]
    : number === 1
      ? one
      : many;
  return filled(text, { number, ...values });
}

function filled(text, values) {
  return text.replace(/%\((\w+)\)s|%%/g, (found, name) => (found === "%%" ? "%" : String(values[name] ?? found)));
}
