import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server } from 'node:http';
import { createServer as createTlsServer, type ServerOptions } from 'node:https';
import { connect, type AddressInfo, type Socket } from 'node:net';
import type { TLSSocket } from 'node:tls';

export interface ConnectProxyOptions {
  /** What it wants as `Proxy-Authorization`; without it, it answers 407. */
  authorization?: string;
  /** Makes it a proxy that is spoken to over TLS. */
  tls?: ServerOptions;
}

/**
 * A real HTTP proxy for CONNECT on this machine. It knows every name, each as this machine: so a test shows that a name
 * went to the proxy, which nobody else could look up.
 */
export class ConnectProxy {
  /** The host and port of each request, in their order, also of those that were refused. */
  readonly asked: string[] = [];
  /** What it does instead of making connections. */
  instead: ((request: IncomingMessage, socket: Socket) => void) | undefined;
  /** Sees each connection to a proxy over TLS. */
  onConnection: ((socket: TLSSocket) => void) | undefined;
  readonly #sockets = new Set<Socket>();

  private constructor(
    private readonly server: Server,
    private readonly options: ConnectProxyOptions,
  ) {}

  static async start(options: ConnectProxyOptions = {}): Promise<ConnectProxy> {
    const server = options.tls ? createTlsServer(options.tls) : createServer();
    const proxy = new ConnectProxy(server, options);
    server.on('connection', (socket: Socket) => proxy.keep(socket));
    server.on('secureConnection', (socket: TLSSocket) => proxy.onConnection?.(socket));
    server.on('connect', (request: IncomingMessage, socket: Socket, head: Buffer) =>
      proxy.handle(request, socket, head),
    );
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    return proxy;
  }

  get port(): number {
    return (this.server.address() as AddressInfo).port;
  }

  /** As `HTTPS_PROXY` has it. */
  get url(): string {
    return `${this.options.tls ? 'https' : 'http'}://127.0.0.1:${this.port}`;
  }

  async close(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    this.server.close();
    await once(this.server, 'close');
  }

  private handle(request: IncomingMessage, socket: Socket, head: Buffer): void {
    this.asked.push(request.url!);
    socket.on('error', () => undefined);
    if (this.instead) return this.instead(request, socket);
    const { authorization } = this.options;
    if (authorization !== undefined && request.headers['proxy-authorization'] !== authorization)
      return void socket.end('HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 0\r\n\r\n');
    const target = connect(Number(new URL(`http://${request.url}`).port || 80), '127.0.0.1', () => {
      socket.write('HTTP/1.1 200 Connection established\r\n\r\n');
      target.write(head);
      target.pipe(socket).pipe(target);
    });
    this.keep(target);
    target.on('error', () => socket.destroy());
  }

  private keep(socket: Socket): void {
    this.#sockets.add(socket);
    socket.on('close', () => this.#sockets.delete(socket));
  }
}
