export interface Env {
  LISTS: DurableObjectNamespace;
  MAX_ITEMS: number;
}

export interface Item {
  id: number;
  text: string;
  done: boolean;
}
