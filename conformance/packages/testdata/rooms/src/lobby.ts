import { type Connection, type ConnectionContext, Server } from "partyserver";

// A room of partyserver whose sockets outlive it.
export class Lobby extends Server {
  static options = { hibernate: true };

  async onStart(): Promise<void> {
    await this.ctx.storage.put("starts", (await this.starts()) + 1);
  }

  onConnect(connection: Connection<{ name: string }>, { request }: ConnectionContext): void {
    const name = new URL(request.url).searchParams.get("name") ?? "nobody";
    connection.setState({ name });
    this.broadcast(`${name} came`, [connection.id]);
  }

  onMessage(connection: Connection<{ name: string }>, message: string): void {
    this.broadcast(`${connection.state?.name}: ${message}`, [connection.id]);
  }

  onClose(connection: Connection<{ name: string }>): void {
    this.broadcast(`${connection.state?.name} left`, [connection.id]);
  }

  async onRequest(): Promise<Response> {
    const names = [...this.getConnections<{ name: string }>()].map((c) => c.state?.name);
    return Response.json({ room: this.name, names: names.sort(), starts: await this.starts() });
  }

  announce(text: string): number {
    this.broadcast(`announcement: ${text}`);
    return [...this.getConnections()].length;
  }

  private async starts(): Promise<number> {
    return (await this.ctx.storage.get<number>("starts")) ?? 0;
  }
}
