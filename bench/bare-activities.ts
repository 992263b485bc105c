const nothing = () => Promise.resolve();

/** As many kinds of activities as a batch has; each does nothing. */
export const bareActivities = {
  validate: nothing,
  encrypt: nothing,
  submit: nothing,
  fetchStatus: nothing,
  purge: nothing,
};

export type BareActivities = typeof bareActivities;
