import { ownIdSchema, type IssueCode } from '../enrollment/schemas.js';

/** Why a record could not be named in a report by this id: it would be lost among others. Nothing if it can be. */
export function consumerIdProblem(id: unknown): IssueCode | undefined {
  const { error } = ownIdSchema.safeParse(id);
  return error?.issues[0]?.message as IssueCode | undefined;
}
