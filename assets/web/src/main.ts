import { createPinia } from 'pinia'
import { createApp } from 'vue'
import { whenSignedOut } from './api'
import App from './App.vue'
import { router } from './router'
import { useSession } from './stores/session'
import { useTheme } from './stores/theme'
import './styles.css'

const app = createApp(App).use(createPinia()).use(router)

const session = useSession()
whenSignedOut(() => {
  if (!session.me) return
  session.forget()
  void router.push({ name: 'login', query: { return_to: router.currentRoute.value.fullPath } })
})
useTheme()

app.mount('#app')
