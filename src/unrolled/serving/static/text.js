// Text to type, as the tokens that the network reads.

const PLAIN_WORD = /[\p{L}\p{N}_]+(?:['’][\p{L}\p{N}_]+)*|[^\p{L}\p{N}_\s]/gu; // as in data/tokens.py

/** The tokens of a text: words, or characters without the spaces that the network does not know. */
export function tokensOf(text, model) {
  if (model.tokens === "words") return text.split(/\s+/).filter(Boolean);
  if (model.tokens === "plain-words") return text.toLowerCase().match(PLAIN_WORD) ?? [];
  return [...text].filter((letter) => /\S/.test(letter) || model.vocabulary.includes(letter));
}

/** Tokens as a person writes them. */
export const writeText = (tokens, model) => tokens.join(model.tokens === "characters" ? "" : " ");

/** Of a file or of what was pasted: the first line that holds a text. */
export function firstText(content) {
  const text = content.split(/\r?\n/).find((line) => line.trim());
  if (!text) throw new Error("There is no text in it.");
  return text.trim();
}

/** What the network makes of tokens that it never saw, in a sentence; empty where it knows all. */
export function aboutUnknown(tokens, model) {
  const known = new Set(model.vocabulary);
  const unknown = [...new Set(tokens.filter((token) => !known.has(token)))];
  if (!unknown.length) return "";
  const named = unknown.slice(0, 4).map((token) => `“${token}”`).join(", ");
  return `It has never seen ${named}${unknown.length > 4 ? " and others" : ""}; such a step tells it nothing but that time has passed.`;
}
