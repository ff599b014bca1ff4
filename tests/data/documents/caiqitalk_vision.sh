# 将 'path/to/your/image.jpg' 替换为实际的图片路径
curl -X POST "http://localhost:8000/api/v1/vision/completions" \
-F "image=@path/to/your/image.jpg" \
-F "model=gpt-4-vision-preview"
