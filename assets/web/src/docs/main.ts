import { createPinia } from 'pinia'
import { createApp } from 'vue'
import { useTheme } from '../stores/theme'
import '../styles.css'
import DocsPage from './DocsPage.vue'

const app = createApp(DocsPage).use(createPinia())
useTheme()
app.mount('#app')
