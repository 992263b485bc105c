import { promisify } from 'node:util';
import { brotliDecompress, gunzip, inflate, inflateRaw } from 'node:zlib';

/** What undici gives of an answer. */
interface CodedAnswer {
  headers: Readonly<Record<string, string | string[] | undefined>>;
  body: AsyncIterable<Uint8Array>;
}

type Decode = (bytes: Buffer, options: { maxOutputLength: number }) => Promise<Buffer>;
const [unzipped, inflated, inflatedRaw, unbrotlied] = [gunzip, inflate, inflateRaw, brotliDecompress].map(
  (decode) => promisify(decode) as Decode,
) as [Decode, Decode, Decode, Decode];

/** By content coding (RFC 9110, 8.4.1). Servers and proxies compress also where `Accept-Encoding` forbids it. */
const DECODERS: Readonly<Record<string, Decode>> = {
  gzip: unzipped,
  'x-gzip': unzipped,
  br: unbrotlied,
  // Some send it without the header of RFC 1950.
  deflate: (bytes, options) => ((bytes[0]! & 0x0f) === 8 ? inflated : inflatedRaw)(bytes, options),
};

/** Of a `Content-Encoding`: in lower case, in the order they were applied, without those that change nothing. */
export function contentCodings(header: string | string[] | undefined): string[] {
  return [header ?? []]
    .flat()
    .flatMap((value) => value.toLowerCase().split(','))
    .map((coding) => coding.trim())
    .filter((coding) => coding !== '' && coding !== 'identity');
}

/**
 * Reads the body of an answer as UTF-8, decompressed where it is compressed, without a byte order mark.
 * @returns undefined when it is longer than `maxBytes` either way, breaks off, or is coded in a way that is not known.
 */
export async function readAnswer(
  { headers, body }: CodedAnswer,
  maxBytes: number,
): Promise<string | undefined> {
  const bytes = await bytesOf(body, maxBytes);
  if (!bytes) return undefined;
  const [coding, ...others] = contentCodings(headers['content-encoding']);
  if (bytes.length === 0 || coding === undefined) return text(bytes);
  const decode = Object.hasOwn(DECODERS, coding) && others.length === 0 ? DECODERS[coding] : undefined;
  return decode?.(bytes, { maxOutputLength: maxBytes }).then(text, () => undefined);
}

async function bytesOf(body: AsyncIterable<Uint8Array>, maxBytes: number): Promise<Buffer | undefined> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  try {
    for await (const chunk of body) {
      size += chunk.length;
      if (size > maxBytes) return undefined;
      chunks.push(chunk);
    }
  } catch {
    return undefined;
  }
  return Buffer.concat(chunks);
}

function text(bytes: Buffer): string {
  return new TextDecoder().decode(bytes);
}
