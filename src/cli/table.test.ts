/** Tables: the original's layout to the space. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { colourful, plain, widthOf } from './style.ts'
import { formatFields, formatTable } from './table.ts'

test('vpc list looks like the original', () => {
  const rows = [
    ['ethlink', '5c4acd32-1b8d-11e8-b408-0cc47a6c7d1e', 'ethlink0'],
    ['vmnic', '07f95a11-6788-2ae7-c306-ba95cff1db38', 'vmnic0'],
    ['vpcp', 'ea58b648-203b-a707-cd02-7a552c8d5295', 'vpcp1'],
    ['vpcp', 'fd436f9c-1f77-11e8-8002-0cc47a6c7d1e', 'vpcp0'],
    ['vpcsw', 'da64c3f3-095d-91e5-df01-5aabcfc52468', 'vpcsw0'],
  ]
  assert.equal(
    formatTable({ columns: ['TYPE', 'ID', 'UNIT NAME'], rows, footer: ['TOTAL', rows.length] }),
    [
      ' TYPE     ID                                    UNIT NAME',
      ' ethlink  5c4acd32-1b8d-11e8-b408-0cc47a6c7d1e  ethlink0',
      ' vmnic    07f95a11-6788-2ae7-c306-ba95cff1db38  vmnic0',
      ' vpcp     ea58b648-203b-a707-cd02-7a552c8d5295  vpcp1',
      ' vpcp     fd436f9c-1f77-11e8-8002-0cc47a6c7d1e  vpcp0',
      ' vpcsw    da64c3f3-095d-91e5-df01-5aabcfc52468  vpcsw0',
      '   TOTAL                    5',
      '',
    ].join('\n'),
  )
})

test('numbers stand at the right, and nothing ends in spaces', () => {
  const columns = ['A', { title: 'COUNT', align: 'right' as const }, 'B']
  assert.equal(
    formatTable({
      columns,
      rows: [
        ['x', 7, ''],
        ['yy', 12345, 'z'],
      ],
    }),
    ' A   COUNT  B\n x       7\n yy  12345  z\n',
  )
})

test('colours take no width', () => {
  const text = formatTable({ columns: ['A', 'B'], rows: [[colourful.red('x'), 'y']] }, colourful)
  assert.equal(widthOf(text.split('\n')[1]!), 5)
})

test('settings stand one a line', () => {
  assert.equal(
    formatFields([
      ['unit name', 'vmnic0'],
      ['mtu', 1450],
    ]),
    ' unit name  vmnic0\n mtu        1450\n',
  )
})

test('a table may have as many rows as a forwarding table has entries', () => {
  const rows = Array.from({ length: 300_000 }, (_, i) => [i])
  assert.equal(formatTable({ columns: ['N'], rows }).split('\n').length, rows.length + 2)
})

test('on a terminal the widest columns are cut until the table fits, and states have colours', () => {
  const id = 'da64c3f3-095d-91e5-df01-5aabcfc52468'
  const table = {
    columns: ['ID', 'UNIT NAME', 'STATE'],
    rows: [
      [id, 'vpcsw0', 'up'],
      [id, 'vpcsw1', 'down'],
    ],
  }
  assert.equal(
    formatTable(table, plain, 40),
    ' ID                     UNIT NAME  STATE\n da64c3f3-095d-91e5-d…  vpcsw0     up\n da64c3f3-095d-91e5-d…  vpcsw1     down\n',
  )
  assert.match(formatTable(table, plain, 5), /^ ID +UNIT NAME +STATE\n da64c3f3…  vpcsw0/)
  assert.equal(formatTable(table, plain, 80), formatTable(table))
  assert.match(formatTable(table, colourful), /\x1b\[32mup\x1b\[39m\n.*\x1b\[31mdown\x1b\[39m\n/)
})
