/** The console of a cloud: where its page begins. */
import { render } from 'preact'
import { createElement } from 'preact'
import { App } from './app.tsx'
import { showTheme } from './theme.ts'

showTheme()
render(createElement(App, null), document.getElementById('root')!)
