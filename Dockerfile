# The studio over the shipped models:
#   docker build --tag keras-seq-studio . && docker run --publish 127.0.0.1:8501:8501 keras-seq-studio
# Models of your own: --volume "$PWD/saved_models:/opt/studio/saved_models:ro"
FROM python:3.12-slim AS build
WORKDIR /source
COPY docker docker
COPY requirements.txt .
RUN docker/install /opt/studio/venv
COPY apps apps
COPY saved_models saved_models
RUN docker/copy /opt/studio

FROM python:3.12-slim
RUN useradd --uid 10001 --create-home studio
COPY --from=build /opt/studio /opt/studio
WORKDIR /opt/studio
USER studio
ENV TF_CPP_MIN_LOG_LEVEL=2 PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1
EXPOSE 8501
HEALTHCHECK --interval=30s --timeout=10s --start-period=60s CMD ["docker/healthy"]
CMD ["docker/start"]
