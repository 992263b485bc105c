/** The state of a workflow that moves from stage to stage. */
export interface Staged {
  readonly stage: { readonly name: string };
}

export type StageNameOf<State extends Staged> = State['stage']['name'];

/** A state in a certain stage. */
export type InStage<State extends Staged, Name extends StageNameOf<State>> = State & {
  stage: Extract<State['stage'], { name: Name }>;
};

export function isIn<State extends Staged, Name extends StageNameOf<State>>(
  state: State,
  name: Name,
): state is InStage<State, Name> {
  return state.stage.name === name;
}
