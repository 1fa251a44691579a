/** Traces for people: a line for each stage, and what would have to change where the packet ends. */
import type { TraceOutcome, TraceStep } from '#abi/trace.ts'
import type { Style } from './style.ts'
import type { Hop, Trace } from './trace-hops.ts'

const stageWidth = 12

/** All of it. */
export function traceText({ hops, next }: Trace, style: Style): string {
  const lines = hops.flatMap((hop, i) => hopLines(hop, i, style))
  if (next !== undefined) lines.push(`the rest is decided there; ask it, or name it with --peer:`, `  ${next}`)
  return lines.join('\n')
}

function hopLines({ host, packet, steps, outcome }: Hop, i: number, style: Style): string[] {
  const title = i === 0 ? packet : `at ${host ?? 'the next host'}: ${packet}`
  return [style.bold(title), ...steps.flatMap((step) => stepLines(step, style)), `  ${endText(outcome, style)}`]
}

function stepLines({ stage, verdict, text, remedy }: TraceStep, style: Style): string[] {
  const name = stage.padEnd(stageWidth)
  const line = `  ${verdict === 'drop' ? style.red(name) : style.green(name)} ${text}`
  return remedy === undefined ? [line] : [line, `  ${' '.repeat(stageWidth)} ${style.yellow(`to change it: ${remedy}`)}`]
}

/** How it ends on one host. */
export function endText(outcome: TraceOutcome, style: Style): string {
  switch (outcome.verdict) {
    case 'drop':
      return style.red(`dropped: ${outcome.reason}${outcome.answered ? '; the sender gets an ICMP error' : ''}`)
    case 'delivered':
      return style.green(`delivered${outcome.unit === null ? '' : ` to ${outcome.unit} in ${outcome.port}`}`)
    case 'tunnel':
      return `sent to ${outcome.vtep ?? 'another host'} in VNI ${outcome.vni}`
    case 'uplink':
      return `sent out of ${outcome.unit ?? 'the uplink'}`
    case 'outside':
      return style.green(`sent outside by ${outcome.nat ?? 'a NAT'}: ${outcome.packet}`)
    case 'answered':
      return style.green(`answered by this host: ${outcome.answer}`)
    case 'copied':
      return outcome.copies === 1 ? 'copied once' : `copied ${outcome.copies} times`
    case 'consumed':
      return 'needs no answer'
    case 'host':
      return "left to the host's stack"
  }
}
