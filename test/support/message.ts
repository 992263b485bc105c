import type { Message } from '../../workflows/message.js';

let sent = 0;

/** The arguments of a signal or an update, as a client sends it. */
export function message<Body>(to: { name: string } | string, body: Body): [Message<Body>] {
  sent += 1;
  const name = typeof to === 'string' ? to : to.name;
  return [{ id: `test-${process.pid}-${sent}`, by: 'a test', for: name, body }];
}
