/** Values of JSON and YAML that are maps. */

/** Whether a value is a map: neither a list nor null. */
export const isPlainObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)
