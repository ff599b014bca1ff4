"""Made from model.proto and never edited; a test makes it again and compares.

    python -m grpc_tools.protoc -Illmd/server/rpc/generated=llmd/server/rpc \
        --python_out=. --pyi_out=. --grpc_python_out=. llmd/server/rpc/generated/model.proto

`model_pb2` has the messages, `model_pb2_grpc` the client (`ModelServiceStub`).
"""
