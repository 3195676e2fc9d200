#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# client.sh KIND BASE CELL: three requests by a command; see https-clients-test.py.
kind=$1 base=$2 cell=$3
authority=${base#*://}
proxy=${https_proxy#http://}

by_curl() {
    [ "$1" = GET ] || set -- "$1" "$2" -d secret
    url=$base$2
    shift 2
    curl -sS --http1.1 --max-time 8 -w 'STATUS %{http_code}\n' $more "$@" "$url"
}

by_wget() {
    method=$1
    [ "$method" = GET ] || set -- "$@" --body-data=secret
    url=$base$2
    shift 2
    wget -q -S --tries=1 --timeout=8 --content-on-error -O wget-body --method="$method" "$@" "$url" \
        2> wget-head
    cat wget-head >&2
    sed -n 's|^ *HTTP/1.1 \([0-9]*\).*|STATUS \1|p' wget-head | tail -n 1
    cat wget-body
    echo
}

by_openssl() {
    body=
    [ "$1" = GET ] || body=secret
    printf '%s %s HTTP/1.1\r\nHost: %s\r\nContent-Length: %d\r\nConnection: close\r\n\r\n%s' \
        "$1" "$2" "$authority" ${#body} "$body" |
        openssl s_client -quiet -verify_return_error -servername "${authority%:*}" \
            -connect "$authority" ${proxy:+-proxy "$proxy"} > openssl-out
    tr -d '\r' < openssl-out | sed -n 's|^HTTP/1.1 \([0-9]*\).*|STATUS \1|p; /^{/p'
    echo
}

command=by_$kind more=
case $kind in
curl-tunnel) command=by_curl more=--proxytunnel ;;
curl-socks) command=by_curl more="--socks5-hostname $proxy" ;;
esac
"$command" GET "/allowed/$cell"
"$command" POST "/refused/$cell"
"$command" GET "/hidden/$cell"
