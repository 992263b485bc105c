const nothing = () => Promise.resolve();

/** As many kinds of activities as a batch and a job have; each does nothing. */
export const bareActivities = {
  validate: nothing,
  encrypt: nothing,
  submit: nothing,
  fetchStatus: nothing,
  purge: nothing,
  seal: nothing,
  close: nothing,
};

export type BareActivities = typeof bareActivities;
