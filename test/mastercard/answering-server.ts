import { once } from 'node:events';
import { createServer, type AddressInfo } from 'node:net';

/** A server that answers each request with the bytes that it is given, whether they are HTTP or not. */
export interface AnsweringServer {
  origin: string;
  /** What the next requests are answered with, in pieces; then the connection ends. */
  answer: { pieces: Buffer[] };
  /** How many requests came whole. */
  requests: number;
  close(): void;
}

export async function startAnsweringServer(): Promise<AnsweringServer> {
  const server = createServer({ noDelay: true }, (socket) => {
    let received = '';
    socket.on('error', () => undefined);
    socket.on('data', (bytes) => {
      received += bytes.toString('latin1');
      if (!isWhole(received)) return;
      it.requests += 1;
      for (const piece of it.answer.pieces) socket.write(piece);
      socket.end();
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const it: AnsweringServer = {
    origin: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    answer: { pieces: [] },
    requests: 0,
    close: () => server.close(),
  };
  return it;
}

function isWhole(request: string): boolean {
  const [head, body = ''] = request.split('\r\n\r\n', 2);
  if (!request.includes('\r\n\r\n')) return false;
  const [, length = '0'] = /content-length: (\d+)/i.exec(head!) ?? [];
  return body.length >= Number(length);
}
