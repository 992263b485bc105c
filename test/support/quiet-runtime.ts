import { DefaultLogger, makeTelemetryFilterString, Runtime } from '@temporalio/worker';

/** Has the SDK's own log tell of errors only. It is one for the whole process: asking again changes nothing. */
export function quietRuntime(): void {
  if (Runtime._instance) return;
  Runtime.install({
    logger: new DefaultLogger('ERROR'),
    telemetryOptions: {
      logging: { filter: makeTelemetryFilterString({ core: 'ERROR', other: 'ERROR' }) },
    },
  });
}
