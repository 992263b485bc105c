/** The end of a command's help: how it is used, then what is worth knowing. */
export function example(command: string, ...remarks: readonly string[]): string {
  return ['', 'Example:', `  ${command}`, ...(remarks.length > 0 ? ['', ...remarks] : [])].join('\n');
}
