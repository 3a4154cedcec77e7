export interface Env {
  ROOMS: DurableObjectNamespace;
  HISTORY: number;
  BURST: number;
}

// What is stored, and what everybody in the room gets.
export interface Message {
  seq: number;
  id: string; // chosen by the sender, so that a message that is sent again is known
  name: string;
  text: string;
  time: number;
}

// What a browser sends.
export interface Say {
  type: "say";
  id: string;
  text: string;
}

// What it gets.
export type Notice =
  | { type: "history"; messages: Message[]; people: string[] }
  | { type: "message"; message: Message }
  | { type: "stored"; id: string; seq: number } // only now the message is safe
  | { type: "refused"; id?: string; reason: string }
  | { type: "joined" | "left"; name: string; people: string[] };
