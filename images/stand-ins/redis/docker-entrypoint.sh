#!/bin/sh
# Options or a configuration file alone mean "start the server with them"; root hands over to the user redis.
set -eu
case "${1:-}" in
    -* | *.conf) set -- redis-server "$@" ;;
esac
if [ "${1:-}" = redis-server ] && [ "$(id -u)" = 0 ]; then
    chown -R redis:redis /data
    exec setpriv --reuid redis --regid redis --clear-groups -- "$@"
fi
exec "$@"
