/**
 * How the control path grows: hosts of 10 to 10 000 ports, each applied as one document, listed, audited, restarted and
 * removed; and forwarding entries set through the client library. Prints a table; `--json FILE` writes it,
 * `--document FILE` puts it between the marks of docs/performance.md, `--max N` stops at N ports.
 */
import { execFileSync } from 'node:child_process'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import { generateId } from '#abi/id.ts'
import type { HostDocument } from '#abi/host-file.ts'
import type { Mux } from '#client/mux.ts'
import type { Ethlink } from '#client/ethlink.ts'
import { Vpc } from '#client/vpc.ts'
import { PrivateVpcd } from '../../test/cli/private-vpcd.ts'

/** A number of ports, and its cost: milliseconds of wall clock, and MiB of vpcd. */
export interface Row {
  readonly ports: number
  /** That `vpc list` shows. */
  readonly objects: number
  readonly entries: number
  /** Of `vpc` itself. */
  readonly startMs: number
  readonly applyMs: number
  readonly againMs: number
  readonly listMs: number
  readonly auditMs: number
  readonly restartMs: number
  readonly removeMs: number
  readonly setEntriesMs: number
  readonly memoryMiB: number
}

/** A host of `ports` ports, each with a container's interface and an address: a thousand to a subnet. */
export function hostOf(ports: number): HostDocument {
  const numbers = Array.from({ length: ports }, (_, i) => i)
  const hostifs = numbers.map((i) => ({ unit: `hostif${i}`, id: generateId('hostif') }))
  const subnets = Array.from({ length: Math.ceil(ports / 1000) }, (_, i) => i)
  const switches = subnets.map((subnet) => ({
    id: generateId('vpcsw'),
    vni: 5001 + subnet,
    ports: numbers.slice(subnet * 1000, (subnet + 1) * 1000).map((i) => ({
      id: generateId('vpcp'),
      addresses: [`10.${subnet}.${(i % 1000) >> 8}.${i & 255}`],
      interface: `hostif${i}`,
    })),
  }))
  return { version: 1, hostifs, switches }
}

async function timed(run: () => unknown): Promise<number> {
  const start = performance.now()
  await run()
  return Math.round(performance.now() - start)
}

const memoryMiB = (pid: number): number => Math.round(Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))![1]) / 1024)

/** A mux in service on the interface of vpcd's namespace, written down like all else. */
async function openMux(vpc: Vpc): Promise<{ mux: Mux; ethlink: Ethlink }> {
  const ethlink = await vpc.openEthlink(generateId('ethlink'), { create: true })
  const mux = await vpc.openMux(generateId('vpcmux'), { create: true })
  await ethlink.connect('em0')
  await mux.listen('192.0.2.1:4789')
  await mux.connect(ethlink.id)
  for (const object of [ethlink, mux]) await object.commit()
  return { mux, ethlink }
}

/** Set entries of a mux in one call, behind 100 other hosts. */
async function setEntries(mux: Mux, entries: number): Promise<number> {
  const list = Array.from({ length: entries }, (_, i) => {
    const hex = i.toString(16).padStart(8, '0')
    return { vni: 9000, mac: `02:01:${hex.replace(/(..)(?=.)/g, '$1:')}`, vtep: `192.0.2.${2 + (i % 100)}` }
  })
  return timed(() => mux.setEntries(list))
}

async function measure(vpcd: PrivateVpcd, ports: number, entries: number): Promise<Row> {
  const [full, empty] = [join(vpcd.directory, 'full.json'), join(vpcd.directory, 'empty.json')]
  writeFileSync(full, JSON.stringify(hostOf(ports)))
  writeFileSync(empty, '{"version":1}')
  const run = (...args: string[]): Promise<number> => timed(() => vpcd.ok(...args))
  const applyMs = await run('apply', full)
  const againMs = await run('apply', full)
  const startMs = await run('version')
  const listMs = await run('list')
  const objects = (JSON.parse(vpcd.ok('list', '--json')) as unknown[]).length
  const auditMs = await run('audit')
  const vpc = new Vpc({ socketPath: vpcd.socket })
  const { mux, ethlink } = await openMux(vpc)
  const setEntriesMs = await setEntries(mux, entries)
  await using mgmt = await vpc.mgmt()
  // The collector frees what a large request leaves behind once vpcd has been quiet for a moment.
  await sleep(1000)
  const memory = memoryMiB((await mgmt.info()).pid)
  for (const object of [mux, ethlink]) {
    await object.destroy()
    await object.close()
  }
  await vpcd.stopDaemon()
  const restartMs = await timed(() => vpcd.startDaemon())
  const removeMs = await run('apply', empty)
  return { ports, objects, entries, startMs, applyMs, againMs, listMs, auditMs, restartMs, removeMs, setEntriesMs, memoryMiB: memory }
}

/** Measure on a vpcd of our own, from few to many. */
export async function measureScale(most: number): Promise<Row[]> {
  const rows: Row[] = []
  for (const ports of [10, 100, 1000, 5000, 10_000].filter((count) => count <= most)) {
    await using vpcd = await PrivateVpcd.start()
    rows.push(await measure(vpcd, ports, ports * 100 > 100_000 ? 100_000 : ports * 100))
  }
  return rows
}

interface Target {
  readonly what: string
  readonly ports: number
  readonly column: keyof Row
  readonly most: number
}

/** What is set down, and in which row and column it is seen. */
export const targets: readonly Target[] = [
  { what: '1 000 ports by one `vpc apply`, ms', ports: 1000, column: 'applyMs', most: 2000 },
  { what: '1 000 ports deleted, ms', ports: 1000, column: 'removeMs', most: 3000 },
  { what: '100 000 forwarding entries, ms', ports: 1000, column: 'setEntriesMs', most: 300 },
  { what: '`vpc list` of 10 000 objects, ms', ports: 5000, column: 'listMs', most: 300 },
  { what: 'start of `vpc`, ms', ports: 1000, column: 'startMs', most: 100 },
  { what: 'vpcd with 1 000 ports and 100 000 entries, MiB', ports: 1000, column: 'memoryMiB', most: 150 },
]

const headings: Record<keyof Row, string> = {
  ports: 'ports',
  objects: 'objects',
  entries: 'entries',
  startMs: '`vpc version`, ms',
  applyMs: '`vpc apply`, ms',
  againMs: 'the same again, ms',
  listMs: '`vpc list`, ms',
  auditMs: '`vpc audit`, ms',
  restartMs: 'restart of vpcd, ms',
  removeMs: 'all removed by apply, ms',
  setEntriesMs: 'entries set, ms',
  memoryMiB: 'vpcd, MiB',
}

const marks = ['<!-- control: begin -->', '<!-- control: end -->'] as const

/** The tables for people: the targets, and how each value grows. */
function markdown(rows: readonly Row[], load: string): string {
  const line = (cells: readonly (string | number)[]): string => `| ${cells.join(' | ')} |`
  const table = (header: readonly string[], body: readonly (readonly (string | number)[])[]): string =>
    [line(header), line(header.map(() => '---')), ...body.map(line)].join('\n')
  const reached = targets.map(({ what, ports, column, most }) => {
    const found = rows.find((row) => row.ports === ports)?.[column]
    return [what, `< ${most}`, found ?? '-', found !== undefined && found < most ? 'met' : '**not met**']
  })
  const columns = Object.keys(headings) as (keyof Row)[]
  const growth = table(
    columns.map((column) => headings[column]),
    rows.map((row) => columns.map((column) => row[column])),
  )
  const when = `${new Date().toISOString().slice(0, 16)}Z, load of the machine at the end: ${load}.`
  return `${when}\n\n${table(['', 'target', 'this run', ''], reached)}\n\n${growth}`
}

function intoDocument(path: string, tables: string): void {
  const text = readFileSync(path, 'utf8')
  const [begin, end] = marks.map((mark) => text.indexOf(mark)) as [number, number]
  if (begin < 0 || end < begin) throw new Error(`${path} has no ${marks.join(' ... ')}`)
  writeFileSync(path, `${text.slice(0, begin + marks[0].length)}\n\n${tables}\n\n${text.slice(end)}`)
}

function print(rows: readonly Row[]): void {
  const columns = Object.keys(rows[0]!) as (keyof Row)[]
  const line = (cells: readonly (string | number)[]): string => `${cells.map((cell) => String(cell).padStart(13)).join('')}\n`
  process.stdout.write(line(columns))
  for (const row of rows) process.stdout.write(line(columns.map((column) => row[column])))
}

if (import.meta.main) {
  const { values } = parseArgs({
    options: { json: { type: 'string' }, document: { type: 'string' }, max: { type: 'string', default: '10000' } },
  })
  const rows = await measureScale(Number(values.max))
  print(rows)
  const load = execFileSync('cut', ['-d ', '-f1-3', '/proc/loadavg'], { encoding: 'utf8' }).trim()
  process.stdout.write(`load of the machine at the end: ${load}\n`)
  if (values.document !== undefined) intoDocument(values.document, markdown(rows, load))
  if (values.json !== undefined)
    writeFileSync(values.json, `${JSON.stringify({ date: new Date().toISOString(), load, rows, targets }, null, 2)}\n`)
}
