# 非流式响应
curl -X POST "http://localhost:8000/api/v1/chat/completions" \
-H "Content-Type: application/json" \
-d '{
  "messages": [{"role": "user", "content": "用Python写一个快速排序"}],
  "stream": false
}'

# 流式响应
curl -N -X POST "http://localhost:8000/api/v1/chat/completions" \
-H "Content-Type: application/json" \
-d '{
  "messages": [{"role": "user", "content": "用Python写一个快速排序"}],
  "stream": true
}'
