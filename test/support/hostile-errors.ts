import fc from 'fast-check';
import { panOfLength } from '../enrollment/generators.js';

/** Something that is thrown, and the card numbers in it. */
export interface Thrown {
  error: unknown;
  pans: string[];
}

/** A card number as somebody may write it into a text. */
const written: fc.Arbitrary<{ text: string; pan: string }> = fc
  .record({
    pan: panOfLength(16, 19),
    separator: fc.constantFrom('', ' ', '-', '.'),
    before: fc.constantFrom('', 'card ', '"pan":"', 'x', 'GET https://host/cards/'),
    after: fc.constantFrom('', ' declined', '"', '\n', '?a=b'),
  })
  .map(({ pan, separator, before, after }) => ({
    pan,
    text: `${before}${pan.match(/.{1,4}/g)!.join(separator)}${after}`,
  }));

type Build = (text: string, inner: unknown) => unknown;

const refuse = (): never => {
  throw new Error('not to be read');
};
const withProperties = (error: Error, properties: PropertyDescriptorMap) => {
  // Made of the other properties when it is first looked at, with what they then do.
  void error.stack;
  return Object.defineProperties(error, properties);
};

/** Errors as libraries and those who hate us make them. */
const builds: Build[] = [
  (text) => new Error(text),
  (text, cause) => new TypeError(text, { cause }),
  (text, inner) => new AggregateError([inner, new Error(text)], text),
  (text) => Object.assign(new Error('with a body'), { body: text, response: { data: Buffer.from(text) } }),
  (text, cause) => Object.assign(new Error(text, { cause }), { name: text, code: text }),
  (text) =>
    withProperties(new Error('x'), {
      message: { get: () => text },
      stack: { get: () => `${text}\n at ${text}` },
    }),
  (text) =>
    withProperties(new Error(text), {
      message: { get: refuse },
      stack: { get: refuse },
      cause: { get: refuse },
    }),
  (text) =>
    withProperties(new Error(text), { toString: { value: () => text }, toJSON: { value: () => text } }),
  (text) =>
    withProperties(new Error(text), {
      stack: { value: text },
      toString: { value: refuse },
      toJSON: { value: refuse },
    }),
  (text) => {
    const circle: Error = new Error(text);
    circle.cause = new Error(text, { cause: circle });
    return circle;
  },
  (text) => Object.freeze(new Error(text)),
  (text) => text,
  (text) => ({ message: text, name: text, stack: text }),
  (text) => new Proxy(new Error(text), { get: refuse, getPrototypeOf: refuse, ownKeys: refuse }),
  (text) => {
    try {
      return JSON.parse(`{"pan": ${text} oops`) as unknown;
    } catch (error) {
      return error;
    }
  },
  () => Object.create(null) as unknown,
  () => undefined,
];

/** Whatever can be thrown, up to three deep, with card numbers where one may be. */
export const thrown: fc.Arbitrary<Thrown> = fc
  .array(fc.record({ value: written, build: fc.constantFrom(...builds) }), { minLength: 1, maxLength: 3 })
  .map((parts) => ({
    pans: parts.map(({ value }) => value.pan),
    error: parts.reduceRight<unknown>((inner, { value, build }) => build(value.text, inner), undefined),
  }));
