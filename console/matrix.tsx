/** Who reaches whom in a vpc, as a table of classes of vnics; a cell says why, hop by hop. */
import { useEffect, useRef, useState } from 'preact/hooks'
import type { PathAnswer, Thing } from '#control/path/answer.ts'
import type { Cell, PathMatrix, VnicClass } from '#control/path/matrix.ts'
import { ask, problemOf, type ProblemBody } from './api.ts'
import { known, useCollections } from './live.ts'
import { counted, labelOf } from './names.ts'
import { Nothing, ProblemBox } from './parts.tsx'
import { hrefOf } from './route.ts'
import { Answer } from './why.tsx'

type At = readonly [from: number, to: number]

export function MatrixPage({ id }: { id: string }) {
  useCollections(['vpc', 'vnic'])
  const [matrix, setMatrix] = useState<PathMatrix | undefined>()
  const [problem, setProblem] = useState<ProblemBody | undefined>()
  const [at, setAt] = useState<At | undefined>()
  const load = (): void => {
    // The next matrix may have other classes.
    setAt(undefined)
    setProblem(undefined)
    void ask<PathMatrix>('GET', `/path-check/matrix?vpc=${id}`).then(setMatrix, (error) => setProblem(problemOf(error)))
  }
  useEffect(load, [id])
  if (problem !== undefined) return <ProblemBox problem={problem} />
  if (matrix === undefined) return <p class="hint">asking the API who reaches whom …</p>
  const { classes, cells, truncated } = matrix
  const name = known('vpc', id) ? labelOf(known('vpc', id)!) : (matrix.vpc?.name ?? id)
  if (cells.length === 0) return <Nothing title={`Who reaches whom in ${name}`}>That takes two vnics at least.</Nothing>
  return (
    <>
      <p class="crumbs">
        <a href={hrefOf(['vpcs'])}>VPCs</a> / <a href={hrefOf(['vpcs', id])}>{name}</a>
      </p>
      <div class="title">
        <h1>Who reaches whom in {name}</h1>
        <span class="hint">
          {counted(
            classes.reduce((sum, { vnics }) => sum + vnics, 0),
            'vnic',
          )}{' '}
          in {counted(classes.length, 'class', 'classes')} that nothing tells apart{truncated && '; more are not shown'}
        </span>
        <span class="space" />
        <button onClick={load}>Ask again</button>
      </div>
      <p class="hint">Rows send to columns. Choose a cell to see why; arrow keys go from one to the next.</p>
      <MatrixTable classes={classes} cells={cells} chosen={at} choose={setAt} />
      {at !== undefined && <Explanation key={at.join()} matrix={matrix} at={at} />}
    </>
  )
}

interface TableProps {
  readonly classes: readonly VnicClass[]
  readonly cells: readonly Cell[]
  readonly chosen: At | undefined
  readonly choose: (at: At) => void
}

const steps: Readonly<Record<string, At>> = { ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1] }

function MatrixTable({ classes, cells, chosen, choose }: TableProps) {
  const table = useRef<HTMLTableElement>(null)
  const by = new Map(cells.map((cell) => [`${cell.from},${cell.to}`, cell]))
  const first = `${cells[0]!.from},${cells[0]!.to}`
  const entry = chosen?.join() ?? first
  // One stop of the tab key for the whole table.
  const move = (event: KeyboardEvent): void => {
    const step = steps[event.key]
    const place = (event.target as HTMLElement).dataset.at
    if (step === undefined || place === undefined) return
    event.preventDefault()
    let [from, to] = place.split(',').map(Number) as [number, number]
    // A class of one vnic has no cell with itself.
    for (let found: HTMLElement | null = null; found === null;) {
      from += step[0]
      to += step[1]
      if (from < 0 || to < 0 || from >= classes.length || to >= classes.length) return
      found = table.current!.querySelector<HTMLElement>(`[data-at="${from},${to}"]`)
      found?.focus()
    }
  }
  return (
    <div class="scroll matrix">
      <table ref={table} onKeyDown={move}>
        <thead>
          <tr>
            <th scope="col">from ↓ to →</th>
            {classes.map(({ id, name, vnics }) => (
              <th key={id} scope="col" title={`${name} (${vnics})`} aria-label={`to ${id + 1}: ${name}`}>
                {id + 1}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {classes.map((from) => (
            <tr key={from.id}>
              <th scope="row">
                <span class="number">{from.id + 1}</span> {from.name} <span class="hint">({from.vnics})</span>
              </th>
              {classes.map(({ id }) => {
                const place = `${from.id},${id}`
                return (
                  <CellMark
                    key={id}
                    cell={by.get(place)}
                    at={place}
                    isEntry={place === entry}
                    isChosen={chosen?.join() === place}
                    choose={choose}
                  />
                )
              })}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  )
}

interface CellProps {
  readonly cell: Cell | undefined
  readonly at: string
  readonly isEntry: boolean
  readonly isChosen: boolean
  readonly choose: (at: At) => void
}

function CellMark({ cell, at, isEntry, isChosen, choose }: CellProps) {
  if (cell === undefined) return <td class="hint">·</td>
  const { from, to, verdict, allowed, code } = cell
  const isOpen = verdict === 'reachable'
  const text = isOpen ? allowed : `nothing: ${code?.replaceAll('-', ' ')}`
  return (
    <td class={isOpen ? 'yes' : 'no'}>
      <button
        class="small"
        data-at={at}
        tabIndex={isEntry ? 0 : -1}
        aria-pressed={isChosen}
        aria-label={`${from + 1} to ${to + 1}: ${text}`}
        title={text}
        onClick={() => choose([from, to])}
      >
        {isOpen ? allowed : '–'}
      </button>
    </td>
  )
}

/** A packet that a cell is about: the first that it allows, else a ping. */
function packetOf({ allowed }: Cell): Record<string, string> {
  const [, protocol, port] = /^(tcp|udp|sctp)(?: (\d+))?/.exec(allowed) ?? []
  return protocol === undefined ? { protocol: 'icmp' } : { protocol, port: port ?? '80' }
}

const idOf = (thing: Thing | null | undefined): string | undefined => thing?.id

/** One vnic of each class: the question why, answered. */
function Explanation({ matrix: { classes, cells }, at: [from, to] }: { matrix: PathMatrix; at: At }) {
  const section = useRef<HTMLElement>(null)
  const [answer, setAnswer] = useState<PathAnswer | undefined>()
  const [problem, setProblem] = useState<ProblemBody | undefined>()
  const cell = cells.find((each) => each.from === from && each.to === to)!
  const [a, b] = [idOf(classes[from]!.examples[0]), idOf(classes[to]!.examples[from === to ? 1 : 0])]
  const words = { from: a ?? '', to: b ?? '', ...packetOf(cell) }
  useEffect(() => {
    void ask<PathAnswer>('GET', `/path-check?${new URLSearchParams(words)}`).then(setAnswer, (error) => setProblem(problemOf(error)))
  }, [])
  useEffect(() => section.current?.scrollIntoView({ block: 'nearest' }), [answer])
  return (
    <section ref={section} class="explained" aria-live="polite">
      <h2>
        {from + 1} to {to + 1}: {cell.verdict === 'reachable' ? cell.allowed : 'nothing passes'}
      </h2>
      <p class="hint">
        {classes[from]!.name} to {classes[to]!.name}, by one vnic of each. <a href={hrefOf(['why'], words)}>Ask about another packet</a>
      </p>
      {problem && <ProblemBox problem={problem} />}
      {answer && <Answer answer={answer} />}
    </section>
  )
}
