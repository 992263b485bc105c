import type { FastifyInstance } from 'fastify';
import { z } from 'zod';
import { faultRequestSchema } from './faults.js';
import type { Simulator } from './types.js';

/** Where the control endpoints are, below the simulator's origin; never below the API's base path. */
export const CONTROL_PATH = '/_simulator';

const settingsSchema = z.strictObject({
  processingMs: z.number().min(0).optional(),
  duplicates: z.enum(['withBatchId', 'withoutBatchId', 'acceptedAgain']).optional(),
});

const LOOPBACK = /^(::1$|(::ffff:)?127\.)/;

/**
 * The simulator's methods over HTTP, for tests and demonstrations in other processes. No authentication,
 * so only for callers on this machine; nothing here ever tells a card number.
 *
 * `GET /health` · `POST /faults` (a `FaultRequest`), `DELETE /faults` · `PUT /settings` ·
 * `GET /batches`, `/cards`, `/requests`
 */
export function registerControl(
  app: FastifyInstance,
  simulator: Omit<Simulator, 'baseUrl' | 'controlUrl' | 'port' | 'rekey' | 'close'>,
): void {
  app.register(
    (control, _options, done) => {
      control.addHook('onRequest', async (request, reply) => {
        if (!LOOPBACK.test(request.socket.remoteAddress ?? '')) {
          return reply.code(403).send({ error: 'Only callers on the same machine may use this' });
        }
      });
      control.get('/health', () => ({ status: 'ok' }));
      control.post('/faults', (request, reply) => {
        const parsed = faultRequestSchema.safeParse(request.body);
        if (!parsed.success) return reply.code(400).send(problem(parsed.error));
        simulator.fault(parsed.data);
        return reply.code(204).send();
      });
      control.delete('/faults', (_request, reply) => {
        simulator.clearFaults();
        return reply.code(204).send();
      });
      control.put('/settings', (request, reply) => {
        const parsed = settingsSchema.safeParse(request.body);
        if (!parsed.success) return reply.code(400).send(problem(parsed.error));
        return reply.send(simulator.configure(parsed.data));
      });
      control.get('/batches', () => simulator.accepted());
      control.get('/cards', () => simulator.enrolledCards());
      control.get('/requests', () => simulator.requests());
      done();
    },
    { prefix: CONTROL_PATH },
  );
}

function problem(error: z.ZodError) {
  return {
    error: 'Not as documented',
    issues: error.issues.map(({ path, code }) => ({ path: path.join('.'), code })),
  };
}
