/** Dark or light: what the system says, unless somebody has chosen. */

export type Theme = 'system' | 'light' | 'dark'

const key = 'vpc-theme'

/** What was chosen. */
export function chosenTheme(): Theme {
  const given = localStorage.getItem(key)
  return given === 'light' || given === 'dark' ? given : 'system'
}

/** Choose, and show it. */
export function setTheme(theme: Theme): void {
  localStorage.setItem(key, theme)
  showTheme()
}

/** Show what was chosen. */
export function showTheme(): void {
  document.documentElement.dataset.theme = chosenTheme()
}
