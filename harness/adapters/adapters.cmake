# Peers made of other WebRTC libraries, each a program of its own in build/adapters/, built where its library is. Nothing
# is fetched: Python and C use what is installed, Go is built from Debian's source packages alone.
option(HAIRPIN_ADAPTERS "Build the adapters whose libraries are installed" ON)
set(HAIRPIN_ADAPTER_DIR ${CMAKE_BINARY_DIR}/adapters)

function(hairpin_adapter_missing name packages)
    message(STATUS "Adapter ${name}: left out, it needs ${packages}")
endfunction()

# aiortc: a script. Debian's own interpreter, because another one does not see Debian's modules; what is missing is
# told by the script when it is asked.
if(HAIRPIN_ADAPTERS AND NOT HAIRPIN_FUZZ)
    if(EXISTS /usr/bin/python3)
        set(adapter_sources ${CMAKE_SOURCE_DIR}/harness/adapters/aiortc/peer.py)
        add_custom_command(
            OUTPUT ${HAIRPIN_ADAPTER_DIR}/aiortc
            COMMAND ${CMAKE_COMMAND} -E make_directory ${HAIRPIN_ADAPTER_DIR}
            COMMAND ${CMAKE_COMMAND} -E copy ${adapter_sources} ${HAIRPIN_ADAPTER_DIR}/aiortc
            COMMAND chmod 755 ${HAIRPIN_ADAPTER_DIR}/aiortc
            DEPENDS ${adapter_sources}
            VERBATIM)
        list(APPEND hairpin_adapters ${HAIRPIN_ADAPTER_DIR}/aiortc)
    else()
        hairpin_adapter_missing(aiortc "python3, python3-aiortc and python3-websockets")
    endif()

    pkg_check_modules(GSTWEBRTC IMPORTED_TARGET gstreamer-webrtc-1.0 gstreamer-sdp-1.0 gstreamer-rtp-1.0 libsoup-3.0 gio-unix-2.0)
    if(GSTWEBRTC_FOUND)
        pkg_get_variable(GST_PLUGIN_DIR gstreamer-1.0 pluginsdir)
        file(GLOB adapter_sources CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/harness/adapters/webrtcbin/*.c)
        add_executable(adapter_webrtcbin ${adapter_sources})
        target_compile_definitions(adapter_webrtcbin PRIVATE GST_USE_UNSTABLE_API
                                                             HAIRPIN_GST_PLUGINS="${GST_PLUGIN_DIR}")
        target_include_directories(adapter_webrtcbin PRIVATE ${CMAKE_SOURCE_DIR}/harness)
        target_link_libraries(adapter_webrtcbin PRIVATE PkgConfig::GSTWEBRTC PkgConfig::JSON)
        set_target_properties(adapter_webrtcbin PROPERTIES OUTPUT_NAME webrtcbin
                                                           RUNTIME_OUTPUT_DIRECTORY ${HAIRPIN_ADAPTER_DIR})
        list(APPEND hairpin_adapters adapter_webrtcbin)
        install(TARGETS adapter_webrtcbin DESTINATION lib/hairpin/adapters)
    else()
        hairpin_adapter_missing(webrtcbin "libgstreamer-plugins-bad1.0-dev and libsoup-3.0-dev")
    endif()

    # pion: Debian's Go packages are a GOPATH. Import paths that end in /v3 are understood there only by code that has a
    # go.mod itself and lies in a GOPATH, so the source is copied into one of its own. The first build takes all of pion:
    # some 20 s of one core; the cache in the build folder spares the second.
    find_program(HAIRPIN_GO go)
    set(gocode /usr/share/gocode)
    if(HAIRPIN_GO AND EXISTS ${gocode}/src/github.com/pion/webrtc AND EXISTS ${gocode}/src/github.com/gorilla/websocket)
        set(gopath ${CMAKE_BINARY_DIR}/gopath)
        file(GLOB adapter_sources CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/harness/adapters/pion/*.go
             ${CMAKE_SOURCE_DIR}/harness/adapters/pion/go.mod)
        add_custom_command(
            OUTPUT ${HAIRPIN_ADAPTER_DIR}/pion
            COMMAND ${CMAKE_COMMAND} -E make_directory ${gopath}/src/hairpin/pion ${HAIRPIN_ADAPTER_DIR}
            COMMAND ${CMAKE_COMMAND} -E copy ${adapter_sources} ${gopath}/src/hairpin/pion
            COMMAND ${CMAKE_COMMAND} -E env GO111MODULE=off GOPATH=${gopath}:${gocode} GOCACHE=${CMAKE_BINARY_DIR}/gocache
                    "GOFLAGS=-trimpath -buildvcs=false" GOPROXY=off CGO_ENABLED=0 ${HAIRPIN_GO} build -p 2 -o
                    ${HAIRPIN_ADAPTER_DIR}/pion hairpin/pion
            DEPENDS ${adapter_sources}
            VERBATIM)
        list(APPEND hairpin_adapters ${HAIRPIN_ADAPTER_DIR}/pion)
    else()
        hairpin_adapter_missing(pion "golang-go, golang-github-pion-webrtc.v3-dev and golang-github-gorilla-websocket-dev")
    endif()
    add_custom_target(adapters ALL DEPENDS ${hairpin_adapters})
    install(PROGRAMS ${HAIRPIN_ADAPTER_DIR}/aiortc DESTINATION lib/hairpin/adapters OPTIONAL)
    install(PROGRAMS ${HAIRPIN_ADAPTER_DIR}/pion DESTINATION lib/hairpin/adapters OPTIONAL)
endif()
