/** A drawing of a lab for the terminal: a box for each host with its guests, all on one underlay. Pure. */
import { formatIp } from '#wire/ip-address.ts'
import { mainAddress, type HostPlan, type LabPlan } from './plan.ts'

/** Gives a guest's words the colour of its customer; what it adds must not take columns. */
export type Paint = (customer: string, text: string) => string

const plainPaint: Paint = (_, text) => text

interface Line {
  readonly text: string
  readonly customer?: string
}

/** Draw a lab in so many columns. Hosts that do not fit side by side go on below. */
export function drawLab(plan: LabPlan, { columns = 80, paint = plainPaint }: { columns?: number; paint?: Paint } = {}): string {
  const boxes = plan.hosts.map((host) => hostLines(plan, host))
  const width = Math.max(...boxes.flat().map(({ text }) => text.length)) + 2
  const perRow = Math.max(1, Math.floor((columns - 2) / (width + 4)))
  const lines: string[] = []
  for (let i = 0; i < boxes.length; i += perRow) {
    const row = boxes.slice(i, i + perRow)
    lines.push(...drawRow(row, width, paint), `  ${'═'.repeat(Math.min(perRow, boxes.length) * (width + 4) - 2)}`)
  }
  const addresses = plan.hosts.map((host) => `${host.name} ${formatIp(host.address.address)}`)
  lines.push(`  underlay, MTU ${plan.underlay.mtuBytes}: ${addresses.join(', ')}`)
  return lines.map((line) => `${line.trimEnd()}\n`).join('')
}

function hostLines(plan: LabPlan, host: HostPlan): Line[] {
  const guests = plan.guests.filter((guest) => guest.host === host.name)
  const wires = plan.wires.filter((wire) => wire.host === host.name)
  const name = Math.max(0, ...guests.map((guest) => guest.name.length))
  const address = Math.max(0, ...guests.map((guest) => mainAddress(guest).length))
  return [
    { text: host.name },
    ...guests.map((guest) => ({
      text: `${guest.name.padEnd(name)} ${mainAddress(guest).padEnd(address)} ${guest.vni}`,
      customer: guest.customer,
    })),
    ...wires.map(({ name: wire, addresses: [first] }) => ({ text: `~ ${wire}${first ? `: ${formatIp(first.address)}` : ''}` })),
  ]
}

function drawRow(boxes: readonly (readonly Line[])[], width: number, paint: Paint): string[] {
  const height = Math.max(...boxes.map((lines) => lines.length))
  const across = (draw: (lines: readonly Line[]) => string): string => `  ${boxes.map(draw).join('  ')}`
  const body = (i: number) => (lines: readonly Line[]) => {
    const { text = '', customer } = lines[i] ?? {}
    const padding = ' '.repeat(width - 1 - text.length)
    return `│ ${customer === undefined ? text : paint(customer, text)}${padding}│`
  }
  const middle = Math.floor(width / 2)
  return [
    across((lines) => `┌ ${lines[0]!.text} ${'─'.repeat(width - 2 - lines[0]!.text.length)}┐`),
    ...Array.from({ length: height - 1 }, (_, i) => across(body(i + 1))),
    across(() => `└${'─'.repeat(middle)}┬${'─'.repeat(width - middle - 1)}┘`),
    across(() => ` ${' '.repeat(middle)}│${' '.repeat(width - middle)}`),
  ]
}
