import { DecoratorHandler, request, type Dispatcher } from 'undici';
import { readAnswer } from '../protection/read-answer.js';

export interface HttpRequest {
  method: 'GET' | 'POST' | 'DELETE';
  url: string;
  headers: Record<string, string>;
  body?: string | undefined;
}

/** What came of one attempt: an answer, or none and why. */
export type Exchange =
  | {
      answered: true;
      httpStatus: number;
      /** Undefined when it broke off, was too long, or is coded in a way that is not known. */
      body: string | undefined;
      /** By lower-case name; the first value of a repeated one. */
      header(name: string): string | undefined;
    }
  | {
      answered: false;
      /** Whether any of the request may have been written to a connection. */
      written: boolean;
      /** Code or name of the network error. */
      problem: string;
    };

/**
 * Makes one attempt at a request: no retry, no redirect. Never throws; a network error is an outcome.
 * @param signal ends the attempt.
 */
export async function exchange(
  dispatcher: Dispatcher,
  { method, url, headers, body }: HttpRequest,
  signal: AbortSignal,
  maxAnswerBytes: number,
): Promise<Exchange> {
  const progress = { written: false };
  try {
    const answer = await request(url, {
      dispatcher: dispatcher.compose((dispatch) => (options, handler) => {
        return dispatch(options, new WriteObserver(handler, progress));
      }),
      method,
      // It is read all the same when it is compressed.
      headers: { 'accept-encoding': 'identity', ...headers },
      body: body ?? null,
      signal,
    });
    return {
      answered: true,
      httpStatus: answer.statusCode,
      body: await readAnswer(answer, maxAnswerBytes),
      header: (name) => [answer.headers[name]].flat()[0],
    };
  } catch (error) {
    return { answered: false, written: progress.written, problem: problemOf(error) };
  }
}

/**
 * Learns whether undici began to write a request. It calls `onRequestStart` when it has a connection
 * and is about to write: an error before that (refused, DNS, TLS, a pooled connection that the peer
 * had closed) leaves nothing sent, an error after that leaves it open.
 */
class WriteObserver extends DecoratorHandler implements Dispatcher.DispatchHandler {
  constructor(
    private readonly inner: Dispatcher.DispatchHandler,
    private readonly progress: { written: boolean },
  ) {
    super(inner);
  }

  onRequestStart(controller: Dispatcher.DispatchController, context: unknown): void {
    this.inner.onRequestStart?.(controller, context);
    // A call that was given up while it waited for a connection is aborted just here.
    if (!controller.aborted) this.progress.written = true;
  }
}

function problemOf(error: unknown): string {
  const { code, name } = error as { code?: unknown; name?: unknown };
  return [code, name].find((it): it is string => typeof it === 'string') ?? 'unknown error';
}
