/** What a lab shows on the terminal: the drawing and the matrix. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { drawLab } from './drawing.ts'
import { parseLab } from './lab-file.ts'
import { formatMatrix, wrong, type Reach } from './matrix.ts'
import { planLab } from './plan.ts'

const plan = planLab(
  parseLab(
    `
name: t
underlay: { network: 192.0.2.0/24 }
hosts: { h1: {}, h2: {} }
customers: { red: { subnets: { a: { vni: 5, network: 10.0.0.0/24 } } } }
guests:
  a: { host: h1, subnet: red/a }
  bee: { host: h2, subnet: red/a }
  c: { host: h2, subnet: red/a }
`,
    'x',
  ),
)

test('hosts stand side by side on the underlay', () => {
  assert.equal(
    drawLab(plan),
    `\
  ┌ h1 ────────────┐  ┌ h2 ────────────┐
  │ a 10.0.0.1 5   │  │ bee 10.0.0.2 5 │
  │                │  │ c   10.0.0.3 5 │
  └────────┬───────┘  └────────┬───────┘
           │                   │
  ══════════════════════════════════════
  underlay, MTU 1500: h1 192.0.2.1, h2 192.0.2.2
`,
  )
})

test('every line of a drawing fits into the columns that there are, and a host that does not fit goes below', () => {
  const wide = drawLab(plan, { columns: 80 }).split('\n')
  const narrow = drawLab(plan, { columns: 30 }).split('\n')
  const boxes = (lines: string[]): number[] => lines.map((line) => line.split('┌').length - 1).filter((count) => count > 0)
  assert.deepEqual(boxes(wide), [2])
  assert.deepEqual(boxes(narrow), [1, 1])
  for (const line of narrow.filter((text) => /[│┌└═]/.test(text))) assert.ok(line.length <= 30, line)
})

test('colour takes no columns', () => {
  const paint = (customer: string, text: string): string => `<${customer}>${text}</>`
  assert.equal(drawLab(plan, { paint }).replaceAll('<red>', '').replaceAll('</>', ''), drawLab(plan))
})

const reach = (from: string, to: string, expected: boolean, actual: boolean): Reach => ({ from, to, expected, actual })

test('the matrix has a row for each sender, and what should not be so stands out', () => {
  const reaches = [reach('a', 'b', true, true), reach('b', 'a', true, false), reach('a', 'c', false, false), reach('c', 'a', false, true)]
  assert.equal(
    formatMatrix(['a', 'b', 'c'], reaches),
    ['from \\ to  a     b     c', 'a          -     yes   ·', 'b          NO!   -     -', 'c          YES!  -     -', ''].join('\n'),
  )
  assert.deepEqual(wrong(reaches), [reaches[1], reaches[3]])
})
