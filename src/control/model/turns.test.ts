import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Turns } from './turns.ts'

test('many that work have the time of one in a turn of the loop, each in its turn', async () => {
  const turns = new Turns(5)
  const [workers, pieces] = [40, 3]
  const [done, ofTurn] = [[] as number[], [0]]
  const work = async (worker: number): Promise<void> => {
    for (let i = 0; i < pieces; i++) {
      const turn = turns.spent()
      if (turn !== undefined) await turn
      // At least a millisecond: on a busy machine it is more, and a turn has fewer pieces.
      for (const begun = performance.now(); performance.now() - begun < 1;);
      done.push(worker)
      ofTurn[ofTurn.length - 1]!++
    }
  }
  let isOver = false
  const tick = (): void => {
    ofTurn.push(0)
    if (!isOver) setImmediate(tick)
  }
  setImmediate(tick)
  await Promise.all(Array.from({ length: workers }, (_, worker) => work(worker)))
  isOver = true
  // Two ticks may have one turn between them and a part of the next.
  assert.ok(Math.max(...ofTurn) <= 12, `pieces of each turn: ${ofTurn.join(' ')}`)
  assert.equal(done.length, workers * pieces)
  // The first ones may have the whole of the first turn; of all others nobody is done before each has begun.
  const begun = Math.max(...Array.from({ length: workers }, (_, worker) => done.indexOf(worker)))
  for (let worker = pieces + 5; worker < workers; worker++) assert.ok(done.lastIndexOf(worker) > begun, `order: ${done.join(' ')}`)
})
