/** The findings of a probe, as `vpc doctor` and `vpc mux probe` print them. */
import type { ProbeResult } from '#abi/info.ts'
import type { Style } from './style.ts'

/** A line for each, and a line below it with the remedy. */
export const probeText = (results: readonly ProbeResult[], style: Style): string => results.map((result) => line(result, style)).join('\n')

function line({ name, state, found, remedy }: ProbeResult, style: Style): string {
  const mark = {
    ok: style.green('ok     '),
    warning: style.yellow('warning'),
    unknown: style.yellow('unknown'),
    failed: style.red('failed '),
  }[state]
  return ` ${mark}  ${name}: ${found}${remedy === '' ? '' : `\n          ${style.bold(remedy)}`}`
}
