export function problem(status: number, message: string): Response {
  return Response.json({ error: message }, { status });
}

// body reads what must be a JSON object; undefined where it is not.
export async function body(request: Request): Promise<Record<string, unknown> | undefined> {
  try {
    const value = await request.json();
    return typeof value === "object" && value !== null ? (value as Record<string, unknown>) : undefined;
  } catch {
    return undefined;
  }
}
