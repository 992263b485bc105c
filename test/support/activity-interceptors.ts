import type { ActivityInterceptorsFactory } from '@temporalio/worker';

/** Does something before each attempt of an activity, which may take as long as it likes, or fail it. */
export function before(activityType: string, work: () => Promise<void>): ActivityInterceptorsFactory {
  return ({ info }) => ({
    inbound: {
      execute: async (input, next) => {
        if (info.activityType === activityType) await work();
        return next(input);
      },
    },
  });
}
