# syntax=docker/dockerfile:1
# Two images: `app` runs web, worker, beat and migrations; `proxy` ends TLS before it. Neither runs as root.

FROM python:3.13-slim AS build
ENV UV_COMPILE_BYTECODE=1 UV_LINK_MODE=copy UV_PYTHON_DOWNLOADS=never
RUN pip install --no-cache-dir uv==0.13.8
WORKDIR /app
# Dependencies first: they change seldom, and this layer is then kept.
COPY pyproject.toml uv.lock ./
RUN uv sync --locked --no-default-groups
COPY . .
# Settings want these names; collecting static files opens no connection, and none of this stays in the image.
RUN SECRET_KEY=build DATABASE_URL=postgres://build REDIS_URL=redis://build \
    .venv/bin/python manage.py collectstatic --noinput

FROM python:3.13-slim AS app
RUN useradd --system --uid 10001 --home-dir /app --no-create-home stillpoint \
    && install --directory --mode=700 --owner=stillpoint /files
WORKDIR /app
COPY --from=build /app /app
ENV PATH=/app/.venv/bin:$PATH \
    DJANGO_SETTINGS_MODULE=clinic.settings \
    PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1
USER stillpoint
EXPOSE 8000
# No access log: addresses of people and links with their tokens stay out of the logs.
CMD ["gunicorn", "clinic.wsgi:application", "--bind", "0.0.0.0:8000", "--worker-class", "gthread", \
     "--workers", "2", "--threads", "4", "--worker-tmp-dir", "/dev/shm", "--no-control-socket"]

FROM caddy:2 AS proxy
COPY <<"CADDYFILE" /etc/caddy/Caddyfile
{
	admin off
	# A failed request would be logged with its address, and links carry their token there.
	log {
		exclude http.log.error
	}
}
# Asked for by the health check, inside the container only.
http://127.0.0.1:8081 {
	bind 127.0.0.1
	respond "well" 200
}
{$SITE_URL} {
	# Every container behind the name `web`, however many there are just now.
	reverse_proxy {
		dynamic a {
			name web
			port 8000
			refresh 5s
		}
		# One that is just restarting is passed over.
		lb_try_duration 5s
	}
}
CADDYFILE
RUN chown -R 10001:10001 /data /config
USER 10001:10001
