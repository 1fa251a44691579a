/** Charts of what hosts count, on the page that is open. */
import assert from 'node:assert/strict'
import type { ConsoleScene } from './browser.ts'

/** What a chart shows at one moment: where it and its times are, and which time somebody points at. */
interface Shown {
  readonly plot: readonly [left: number, right: number]
  readonly ends: readonly [left: number, right: number]
  readonly times: readonly [oldest: string, newest: string]
  readonly pointed: string | undefined
}

/** The newest time is where the newest point is; another one shows while somebody points at it. */
export async function checkCharts(scene: ConsoleScene): Promise<void> {
  const { page } = scene
  await scene.checkAccess('charts')
  const chart = page.locator('.chart').first()
  // All in one look: the times change as hosts report.
  const look = (): Promise<Shown> =>
    chart.evaluate((figure: any) => {
      const one = (part: string): any => figure.querySelector(part)
      const [plot, oldest, newest] = ['svg', '.ends span:first-child', '.ends span:last-child'].map((part) =>
        one(part).getBoundingClientRect(),
      )
      return {
        plot: [plot.left, plot.right],
        ends: [oldest.left, newest.right],
        times: [one('.ends span:first-child').textContent, one('.ends span:last-child').textContent],
        pointed: one('.pointed')?.textContent,
      }
    })
  const { plot, ends, times, pointed } = await look()
  for (const i of [0, 1] as const) assert.ok(Math.abs(plot[i] - ends[i]) < 2, `${plot.join()} and ${ends.join()}`)
  assert.ok(times[0] !== times[1] && /\d:\d\d:\d\d$/.test(times[1]), times.join(' to '))
  assert.equal(pointed, undefined)
  await chart.locator('svg').hover({ position: { x: 1, y: 10 } })
  await chart.locator('.pointed').waitFor()
  const at = await look()
  assert.equal(at.pointed, at.times[0])
  await page.mouse.move(0, 0)
}
