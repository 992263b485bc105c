/** What a workflow calls an activity with. */
export interface Call<Input> {
  /** Names the call: of a run and an activity of it, and of no other. */
  call: string;
  input: Input;
}

/** What an activity reports: it names the call that it answers, so that no other report is taken for it. */
export interface Answer<Result> {
  call: string;
  result: Result;
}

type Activities = Record<string, (input: never) => Promise<unknown>>;

/** Activities as workers register them and workflows call them. */
export type Answering<All> = {
  [Name in keyof All]: All[Name] extends (input: infer Input) => Promise<infer Result>
    ? (call: Call<Input>) => Promise<Answer<Result>>
    : never;
};

/** Makes each activity answer to the call that it was made with. */
export function answering<All extends Activities>(activities: All): Answering<All> {
  const entries = Object.entries(activities).map(([name, activity]) => [
    name,
    async ({ call, input }: Call<never>): Promise<Answer<unknown>> => ({
      call,
      result: await activity(input),
    }),
  ]);
  return Object.fromEntries(entries) as Answering<All>;
}
