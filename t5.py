import asyncio, aiohttp, json
async def main():
    async with aiohttp.ClientSession() as s:
        for path,bad,ok in (("/api/ws/chat",b'{"type":"chat.message","content":"\xe4\xbd"}',b'{"type":"chat.message","content":"What is the capital of France?"}'),("/platform/api/v1/chat/stream",b'{"model":"llmd-tiny","messages":[{"role":"user","content":"\xe4\xbd"}]}',b'{"model":"llmd-tiny","messages":[{"role":"user","content":"hi"}],"max_tokens":3}')):
            ws=await s.ws_connect("http://localhost:18765"+path)
            await ws.send_bytes(bad)
            await ws.send_bytes(ok)
            for i in range(8):
                try: m=await ws.receive(timeout=5); print(path,m.type.name,str(m.data)[:200])
                except Exception as e: print(repr(e)); break
            await ws.close()
asyncio.run(main())
