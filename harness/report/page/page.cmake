# Builds report.html's page: index.html with the bundled script and style put in, one file without data.
#
#   include(harness/report/page/page.cmake)
#
# sets HAIRPIN_PAGE to the file, which the target `hairpin_page` makes again when a source changes. The bundle is made by
# Debian's esbuild out of the modules here and of Debian's node-d3; nothing is fetched.
set(HAIRPIN_PAGE ${CMAKE_BINARY_DIR}/page/page.html)
set(HAIRPIN_NODE_PATH /usr/share/nodejs CACHE PATH "Where the d3 modules of node-d3 are")
find_program(HAIRPIN_ESBUILD esbuild)
if(NOT HAIRPIN_ESBUILD)
    message(FATAL_ERROR "esbuild is missing: the page of report.html is bundled with it (Debian: apt install esbuild)")
endif()
foreach(module d3-array d3-axis d3-scale d3-selection d3-shape)
    if(NOT EXISTS ${HAIRPIN_NODE_PATH}/${module}/package.json)
        message(FATAL_ERROR "${module} is missing in ${HAIRPIN_NODE_PATH}: report.html draws with it "
                            "(Debian: apt install node-d3; elsewhere: -DHAIRPIN_NODE_PATH=...)")
    endif()
endforeach()

file(GLOB_RECURSE page_sources CONFIGURE_DEPENDS ${CMAKE_CURRENT_LIST_DIR}/*.js ${CMAKE_CURRENT_LIST_DIR}/*.css)
set(page_script ${CMAKE_BINARY_DIR}/page/main.js)
set(page_style ${CMAKE_BINARY_DIR}/page/main.css)
add_custom_command(
    OUTPUT ${HAIRPIN_PAGE}
    BYPRODUCTS ${page_script} ${page_style}
    COMMAND ${CMAKE_COMMAND} -E env NODE_PATH=${HAIRPIN_NODE_PATH}
            ${HAIRPIN_ESBUILD} main.js --bundle --minify --format=iife --target=es2020 --charset=utf8
            --legal-comments=none --log-level=warning --outfile=${page_script}
    COMMAND ${CMAKE_COMMAND} -DTEMPLATE=${CMAKE_CURRENT_LIST_DIR}/index.html -DSCRIPT=${page_script}
            -DSTYLE=${page_style} -DOUT=${HAIRPIN_PAGE} -P ${CMAKE_CURRENT_LIST_DIR}/inline.cmake
    WORKING_DIRECTORY ${CMAKE_CURRENT_LIST_DIR}
    DEPENDS ${page_sources} ${CMAKE_CURRENT_LIST_DIR}/index.html ${CMAKE_CURRENT_LIST_DIR}/inline.cmake
    COMMENT "Bundling the page of report.html"
    VERBATIM)
add_custom_target(hairpin_page ALL DEPENDS ${HAIRPIN_PAGE})
