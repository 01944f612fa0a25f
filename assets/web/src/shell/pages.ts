import { Activity, Bot, FolderKanban, ListTodo, Users } from '@lucide/vue'

/** The pages that every organization has, in the order of the sidebar. */
export const pages = [
  { name: 'projects', label: 'Projects', icon: FolderKanban },
  { name: 'tasks', label: 'Tasks', icon: ListTodo },
  { name: 'agents', label: 'Agents', icon: Bot },
  { name: 'members', label: 'Members', icon: Users },
  { name: 'events', label: 'Events', icon: Activity },
] as const
