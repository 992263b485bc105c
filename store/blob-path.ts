/**
 * A name for a file or folder that stands for any well-formed text: whatever is not a lower-case
 * letter, a digit, `_` or `-` is written as the `%xx` of its UTF-8 bytes. So `.` and `..` are ordinary
 * names, `:` does no harm, and no two texts share a name, not even where upper and lower case are the
 * same to the file system. At most three times as long as an ASCII text: 192 for an external id.
 *
 * @throws URIError for a text with half a surrogate pair.
 */
export function escapeName(text: string): string {
  if (text === '') return '%';
  return encodeURIComponent(text).replace(/%..|[^a-z0-9_-]/g, (found) =>
    found.length > 1 ? found.toLowerCase() : `%${found.charCodeAt(0).toString(16)}`,
  );
}

/** The text that `escapeName` made a name of. */
export function unescapeName(name: string): string {
  return name === '%' ? '' : decodeURIComponent(name);
}
