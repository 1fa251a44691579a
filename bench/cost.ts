/** One line of the tables of costs: what was measured, how much, in which unit. */
export interface Cost {
  readonly what: string
  readonly value: number
  readonly unit: string
}
