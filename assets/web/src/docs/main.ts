import { createApp } from 'vue'
import DocsPage from './DocsPage.vue'
import '../styles.css'
createApp(DocsPage).mount('#app')
