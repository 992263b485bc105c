/** A row of a CSV file, and the line that it begins on. */
export interface OracleRow {
  line: number;
  fields: Buffer[];
}

/**
 * The rows of a CSV file by RFC 4180, read character by character: another way than the reader's, to judge
 * it by. Lines end in CRLF, LF or CR; rows of nothing but blanks of ASCII are left out.
 * @returns nothing where there is a NUL, or a quote stands in a field that is not quoted, or is not followed by the field's
 *   end, or is never closed.
 */
export function oracleRows(bytes: Buffer): OracleRow[] | undefined {
  // One character a byte.
  const characters = bytes.toString('latin1').match(/\r\n|[^]/g) ?? [];
  const rows: OracleRow[] = [];
  let [line, start, field, state] = [1, 1, '', 'begin' as 'begin' | 'bare' | 'quoted' | 'closed'];
  let fields: Buffer[] = [];
  const endField = () => {
    fields.push(Buffer.from(field, 'latin1'));
    [field, state] = ['', 'begin'];
  };
  const endRow = () => {
    endField();
    if (fields.length > 1 || fields[0]!.some((byte) => ![9, 11, 12, 32].includes(byte)))
      rows.push({ line: start, fields });
    [fields, start] = [[], line];
  };
  for (const character of characters) {
    if (character === '\0') return undefined;
    const isEnd = ['\r\n', '\n', '\r'].includes(character);
    if (isEnd) line += 1;
    if (state === 'quoted') {
      if (character === '"') state = 'closed';
      else field += character;
    } else if (character === ',') endField();
    else if (isEnd) endRow();
    else if (character === '"' && state === 'closed') {
      field += character;
      state = 'quoted';
    } else if (character === '"' && state === 'begin') state = 'quoted';
    else if (character === '"' || state === 'closed') return undefined;
    else {
      field += character;
      state = 'bare';
    }
  }
  if (state === 'quoted') return undefined;
  if (field !== '' || fields.length > 0 || state !== 'begin') endRow();
  return rows;
}
