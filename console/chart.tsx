/** A chart of some lines over time: drawn as SVG, with the last values in words. */
import { useState } from 'preact/hooks'
import { timeText } from './names.ts'

export interface Series {
  readonly name: string
  readonly values: readonly (number | null)[]
}

export interface ChartProps {
  readonly title: string
  /** RFC 3339, one for each value. */
  readonly times: readonly string[]
  readonly series: readonly Series[]
  /** A value in words: `1.2 MB/s`. */
  readonly text: (value: number) => string
}

const [width, height, top] = [420, 120, 8]

export function Chart({ title, times, series, text }: ChartProps) {
  const [at, setAt] = useState<number | undefined>()
  const most = Math.max(1e-9, ...series.flatMap(({ values }) => values.map((value) => value ?? 0)))
  const shown = at ?? times.length - 1
  const point = (event: PointerEvent): void => {
    const { left, width: wide } = (event.currentTarget as Element).getBoundingClientRect()
    setAt(Math.max(0, Math.min(times.length - 1, Math.round(((event.clientX - left) / wide) * (times.length - 1)))))
  }
  const said = series
    .map(({ name, values }) => `${name} ${values[shown] === null || values[shown] === undefined ? '–' : text(values[shown])}`)
    .join(', ')
  return (
    <figure class="chart">
      <figcaption>
        <strong>{title}</strong> <span class="hint">at most {text(most === 1e-9 ? 0 : most)}</span>
      </figcaption>
      <svg
        viewBox={`0 0 ${width} ${height}`}
        preserveAspectRatio="none"
        role="img"
        aria-label={`${title}: ${said}`}
        onPointerMove={point}
        onPointerLeave={() => setAt(undefined)}
      >
        <line class="axis" x1="0" x2={width} y1={height - 0.5} y2={height - 0.5} />
        {series.map(({ name, values }, i) => (
          <path key={name} class={`line line${i % 6}`} d={pathOf(values, most)} vector-effect="non-scaling-stroke" />
        ))}
        {at !== undefined && (
          <line class="axis" x1={xOf(at, times.length)} x2={xOf(at, times.length)} y1="0" y2={height} vector-effect="non-scaling-stroke" />
        )}
      </svg>
      <p class="hint ends">
        <span>{timeAt(times, 0)}</span>
        <span>{timeAt(times, times.length - 1)}</span>
      </p>
      <p class="hint">
        {at !== undefined && <span class="pointed">{timeAt(times, at)}</span>}
        {series.map(({ name, values }, i) => (
          <span key={name} class={`key line${i % 6}`}>
            {name} {values[shown] === null || values[shown] === undefined ? '–' : text(values[shown])}
          </span>
        ))}
      </p>
    </figure>
  )
}

const timeAt = (times: readonly string[], i: number): string => (times[i] === undefined ? '' : timeText(times[i]))

const xOf = (i: number, count: number): number => (count < 2 ? 0 : (i / (count - 1)) * width)

/** A line; where there is no value it has a gap. */
export function pathOf(values: readonly (number | null)[], most: number): string {
  let isOn = false
  return values
    .map((value, i) => {
      if (value === null) {
        isOn = false
        return ''
      }
      const y = height - 1 - (value / most) * (height - top)
      // The short line shows a value that stands alone.
      const step = `${isOn ? 'L' : 'M'}${xOf(i, values.length).toFixed(1)} ${y.toFixed(1)}${isOn ? '' : 'h.1'}`
      isOn = true
      return step
    })
    .join('')
}

const scaled = (value: number, units: readonly string[]): string => {
  const power = value < 1000 ? 0 : Math.min(units.length - 1, Math.floor(Math.log10(value) / 3))
  const number = value / 1000 ** power
  return `${number >= 100 || Number.isInteger(number) ? Math.round(number) : number.toPrecision(2)} ${units[power]}`
}

/** `1.2 MB/s` */
export const byteRate = (value: number): string => scaled(value, ['B/s', 'kB/s', 'MB/s', 'GB/s', 'TB/s'])
/** `1.2 k/s` */
export const packetRate = (value: number): string => scaled(value, ['/s', 'k/s', 'M/s', 'G/s'])
/** `1.2 k` */
export const plainNumber = (value: number): string => scaled(value, ['', 'k', 'M', 'G']).trim()
