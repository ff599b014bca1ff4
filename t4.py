import openai, pydantic, traceback, json
c=openai.OpenAI(base_url="http://localhost:18765/v1",api_key="x",max_retries=0)
M=[{"role":"user","content":"What is the capital of France?"}]
class A(pydantic.BaseModel):
    city:str; n:int
def t(name,f):
    try: r=f(); print(name,"OK",str(r)[:300])
    except Exception as e: print(name,"ERR",type(e).__name__,str(e)[:300])
t("parse",lambda:c.chat.completions.parse(model="llmd-tiny",messages=M,response_format=A,temperature=0,max_tokens=200).choices[0].message.parsed)
def st():
    with c.chat.completions.stream(model="llmd-tiny",messages=M,temperature=0,max_tokens=20,stream_options={"include_usage":True}) as s:
        ev=[e.type for e in s]; f=s.get_final_completion(); return ev[:3],f.usage.total_tokens,f.choices[0].message.content
t("stream helper",st)
tool=openai.pydantic_function_tool(A)
def stt():
    with c.chat.completions.stream(model="llmd-tiny",messages=M,temperature=0,max_tokens=200,tools=[tool],tool_choice="required") as s:
        ev=[e.type for e in s]; f=s.get_final_completion(); return set(ev),f.choices[0].finish_reason,f.choices[0].message.tool_calls
t("stream tools",stt)
t("parse tools",lambda:c.chat.completions.parse(model="llmd-tiny",messages=M,temperature=0,max_tokens=200,tools=[tool],tool_choice={"type":"function","function":{"name":"A"}}).choices[0])
def rt():
    r=c.chat.completions.create(model="llmd-tiny",messages=M,temperature=0,max_tokens=200,tools=[tool],tool_choice="required")
    m=r.choices[0].message
    return c.chat.completions.create(model="llmd-tiny",messages=[*M,m,{"role":"tool","tool_call_id":m.tool_calls[0].id,"content":"ok"}],max_tokens=5,tools=[tool]).choices[0].message
t("roundtrip message object",rt)
def raws():
    for ch in c.chat.completions.create(model="llmd-tiny",messages=M,temperature=0,max_tokens=60,tools=[tool],tool_choice="required",stream=True): print("   ",ch.choices and ch.choices[0].delta.model_dump(exclude_unset=True), ch.choices and ch.choices[0].finish_reason)
t("raw stream tools",raws)
t("embeddings",lambda:c.embeddings.create(model="llmd-tiny",input="hi").usage)
t("completions stream",lambda:"".join(x.choices[0].text for x in c.completions.create(model="llmd-tiny",prompt="The capital of France is",max_tokens=5,stream=True)))
t("cmpl stream usage",lambda:[x.usage for x in c.completions.create(model="llmd-tiny",prompt="The",max_tokens=2,stream=True,stream_options={"include_usage":True})][-1])
try:
    from langchain_openai import ChatOpenAI, OpenAIEmbeddings
    L=ChatOpenAI(base_url="http://localhost:18765/v1",api_key="x",model="llmd-tiny",temperature=0,max_tokens=80,max_retries=0)
    t("lc invoke",lambda:L.invoke("hi").usage_metadata)
    t("lc stream",lambda:[x.content for x in L.stream("What is the capital of France?")])
    t("lc struct json_schema",lambda:L.with_structured_output(A).invoke("x"))
    t("lc struct fc",lambda:L.with_structured_output(A,method="function_calling").invoke("x"))
    t("lc struct json_mode",lambda:L.with_structured_output(A,method="json_mode").invoke("reply json"))
    t("lc tools any",lambda:L.bind_tools([A],tool_choice="any").invoke("x").tool_calls)
    t("lc logprobs",lambda:L.bind(logprobs=True,top_logprobs=2).invoke("x").response_metadata.get("logprobs") is not None)
    E=OpenAIEmbeddings(base_url="http://localhost:18765/v1",api_key="x",model="llmd-tiny",check_embedding_ctx_length=False)
    t("lc emb",lambda:len(E.embed_documents(["a","b"])[0]))
except Exception: traceback.print_exc()
